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


def test_what_several_code_pages_make_words_of_is_asked_for() -> None:
    with pytest.raises(ReportError, match="code page that cannot be told"):
        decode("a.csv", "Customer;Product\nŞişli Çiğköfte;Mail\n".encode("cp1254"))
