"""What moves to another drawing is whole there: its shapes have ids and relations of their own."""

from __future__ import annotations

import re

from xlsync.xlsx.annotations import pictures_of, with_own_ids

DRAWING = '<xdr:wsDr xmlns:xdr="s" xmlns:a="m" xmlns:r="r">{}</xdr:wsDr>'
LINE = (
    "<xdr:twoCellAnchor><xdr:from><xdr:row>3</xdr:row></xdr:from><xdr:to><xdr:row>4</xdr:row></xdr:to>"
    '<xdr:grpSp><xdr:nvGrpSpPr><xdr:cNvPr id="2" name="Group"/></xdr:nvGrpSpPr><xdr:sp><xdr:nvSpPr>'
    '<xdr:cNvPr id="3" name="Box"/></xdr:nvSpPr></xdr:sp><xdr:cxnSp><xdr:nvCxnSpPr>'
    '<xdr:cNvPr id="4" name="Line"/>'
    '<xdr:cNvCxnSpPr><a:stCxn id="3" idx="0"/><a:endCxn id="9" idx="1"/></xdr:cNvCxnSpPr></xdr:nvCxnSpPr>'
    "</xdr:cxnSp></xdr:grpSp><xdr:clientData/></xdr:twoCellAnchor>"
)


def test_shapes_that_move_get_ids_of_their_own_and_lines_hold_on_to_them() -> None:
    moved = with_own_ids(LINE, DRAWING.format('<xdr:cNvPr id="3" name="x"/><xdr:cNvPr id="11" name="y"/>'))
    assert re.findall(r'cNvPr id="(\d+)"', moved) == ["12", "13", "14"]
    assert re.findall(r'<a:\w+Cxn id="(\d+)"', moved) == ["13"]
    assert with_own_ids(LINE, DRAWING.format("")).count('cNvPr id="2"') == 1


def test_a_shape_that_names_what_is_declared_around_it_stays() -> None:
    (picture,) = pictures_of(DRAWING.format(LINE), {3})
    assert picture.row == 3
    odd = LINE.replace("<xdr:clientData/>", "<a14:odd/><xdr:clientData/>")
    assert not list(pictures_of(DRAWING.format(odd), {3}))
