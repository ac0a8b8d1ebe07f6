"""Text files in the code pages of many countries: read as they were written, or asked for anew."""

from __future__ import annotations

import pytest

from xlsync.billing.reports.code_pages import decode
from xlsync.errors import ReportError

NAMES = {
    "cp1252": "Café Größe, Solène’s Bar – 5 €",
    "cp1253": "Αρτοποιείο Ελιά;Καφέ Ήλιος",
    "cp1251": "Пекарня Заря;Кафе Юг",
    "cp1250": "Żółta Łódź Sp. z o.o.",
    "cp1254": "Şişli Çiğköfte, Işık Ağaç",
    "cp1256": "شركة النور",
}


@pytest.mark.parametrize("encoding", NAMES)
def test_a_code_page_of_its_own_letters_is_recognised(encoding: str) -> None:
    text = f"Customer;Product\n{NAMES[encoding]};Mail\n"
    assert decode("a.csv", text.encode(encoding)) == text


@pytest.mark.parametrize("encoding", ["cp850", "cp437", "mac_roman"])
@pytest.mark.parametrize("name", ["Café", "Größe GmbH", "Müller & Söhne", "Crème Brûlée", "Façade", "Hôtel"])
def test_text_of_dos_and_old_macs_is_refused_and_never_read_as_other_letters(
    name: str, encoding: str
) -> None:
    with pytest.raises(ReportError, match="code page"):
        decode("a.csv", f"Customer;Product\n{name};Mail\n".encode(encoding))


@pytest.mark.parametrize(
    ("name", "encoding"),
    [
        ("Bjørn", "cp1252"),  # Bjřrn in Czech
        ("Dvořák", "cp1250"),  # Dvoøák in Danish
        ("Nový", "cp1250"),  # Novı in Turkish
        ("Žďár", "cp1250"),  # Žïár
        ("Ďáblice", "cp1250"),  # Ïáblice
        ("Řepa", "cp1250"),  # Øepa in Danish
        ("Horáček", "cp1250"),  # Horáèek
        ("ΑΘΗΝΑ", "cp1253"),  # БИЗНБ in Russian
        ("שלום תוכנה", "cp1255"),  # щмен ъелрд in Russian
        ("北京软件有限公司", "gb18030"),
        ("株式会社さくら", "shift_jis"),
        ("日本", "shift_jis"),
        ("台積電", "big5"),
        ("삼성전자", "cp949"),
    ],
)
def test_what_several_code_pages_make_words_of_is_asked_for(name: str, encoding: str) -> None:
    with pytest.raises(ReportError, match="code page that cannot be told"):
        decode("a.csv", f"Customer;Product\n{name};Mail\n".encode(encoding))


@pytest.mark.parametrize("name", ["Générale", "Jack’s Bar", "Þórður Sjófn", "Café Ñandú – Zoë", "Škoda"])
def test_western_names_are_read_as_they_are(name: str) -> None:
    text = f"Customer;Product\n{name};Mail\n"
    assert decode("a.csv", text.encode("cp1252")) == text
