"""What people put beside and below the rows of *Mismatches*, written as Excel writes it into a package."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from tests.helpers.hand import MISMATCHES
from tests.helpers.workbooks import MAIN, RELATIONS, parts, zipped
from tests.workbook.test_workbook_keeps import part_of_sheet

PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
DRAWN = "http://schemas.openxmlformats.org/drawingml/2006"
BEHIND = 5  # rows between the last mismatch and a person's sums
X14 = (
    'xmlns:x14="http://schemas.microsoft.com/office/spreadsheetml/2009/9/main" '
    'xmlns:xm="http://schemas.microsoft.com/office/excel/2006/main"'
)
TYPES = {
    "drawing": "application/vnd.openxmlformats-officedocument.drawing+xml",
    "chart": "application/vnd.openxmlformats-officedocument.drawingml.chart+xml",
    "pivotTable": "application/vnd.openxmlformats-officedocument.spreadsheetml.pivotTable+xml",
    "pivotCacheDefinition": (
        "application/vnd.openxmlformats-officedocument.spreadsheetml.pivotCacheDefinition+xml"
    ),
    "ctrlProp": "application/vnd.ms-excel.controlproperties+xml",
    "sheetMetadata": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheetMetadata+xml",
    "rdRichValue": "application/vnd.ms-excel.rdrichvalue+xml",
    "rdRichValueStructure": "application/vnd.ms-excel.rdrichvaluestructure+xml",
    "richValueRel": "application/vnd.ms-excel.richvaluerel+xml",
    "pivotCacheRecords": "application/vnd.openxmlformats-officedocument.spreadsheetml.pivotCacheRecords+xml",
}


def text(cell: str, content: str) -> str:
    return f'<c r="{cell}" t="inlineStr"><is><t>{escape(content)}</t></is></c>'


def formula(cell: str, content: str) -> str:
    return f'<c r="{cell}"><f>{escape(content, quote=False)}</f><v>0</v></c>'


class Content(dict[str, bytes]):
    """The parts of a workbook, to which parts are added."""

    def add(self, part: str, xml: str, owner: str, kind: str, id_: str, space: str = RELATIONS) -> None:
        """Add a part that belongs to `owner`, by a relation of a kind in a namespace."""
        self[part] = f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n{xml}'.encode()
        self.relate(owner, part, f"{space}/{kind}", id_)
        self._declare(f'<Override PartName="/{part}" ContentType="{TYPES[kind]}"/>')

    def relate(self, owner: str, part: str, kind: str, id_: str) -> None:
        folder, _, name = owner.rpartition("/")
        relations = f"{folder}/_rels/{name}.rels"
        entry = f'<Relationship Id="{id_}" Type="{kind}" Target="/{part}"/></Relationships>'
        before = self.get(relations, f'<Relationships xmlns="{PACKAGE}"></Relationships>'.encode())
        self[relations] = before.replace(b"</Relationships>", entry.encode())

    def declare_default(self, extension: str, kind: str) -> None:
        """Declare the type of all parts of an extension, where it is not declared yet."""
        if f'Extension="{extension}"' not in self["[Content_Types].xml"].decode():
            self._declare(f'<Default Extension="{extension}" ContentType="{kind}"/>')

    def _declare(self, entry: str) -> None:
        types = self["[Content_Types].xml"]
        self["[Content_Types].xml"] = types.replace(b"</Types>", f"{entry}</Types>".encode())

    def put(self, part: str, before: str, addition: str) -> None:
        """Put an addition before the first of the elements that `before` finds."""
        xml, count = re.subn(before, lambda match: addition + match[0], self[part].decode(), count=1)
        assert count == 1, before
        self[part] = xml.encode()


def furnish(
    file: Path, rows: Mapping[str, int], key: str, gone: str, formulas: Mapping[int, Sequence[str]]
) -> None:
    """Put everything beside the rows of two mismatches, `key` and `gone`, and below all of them.

    `rows` has the row of each mismatch; `formulas` are a person's, by row, in columns AE to AG.
    """
    content = Content(parts(file.read_bytes()))
    sheet = part_of_sheet(content, MISMATCHES)
    last = max(rows.values())
    names = {row: name for name, row in rows.items()}

    def beside(match: re.Match[str]) -> str:
        number = int(match[2])
        cells = text(f"Y{number}", names.get(number, "Mine"))
        if number in names:
            cells += formula(f"Z{number}", f"H{number}+$H${last + BEHIND}+RANK(H{number},$H$2:$H${last})")
        for column, one in zip(("AE", "AF", "AG"), formulas.get(number, ()), strict=False):
            cells += formula(f"{column}{number}", one)
        return f"{match[1]}{cells}</row>"

    xml = re.sub(r'(<row r="(\d+)"[^>]*>.*?)</row>', beside, content[sheet].decode(), flags=re.DOTALL)
    xml = xml.replace(f'<row r="{rows[key]}"', f'<row hidden="1" outlineLevel="2" r="{rows[key]}"', 1)
    content[sheet] = xml.encode()
    _put_below(content, sheet, last, rows[key], rows[gone])
    _put_rules(content, sheet, last, rows[key], rows[gone])
    _put_pivot(content, sheet, last)
    _put_chart(content, sheet, last, rows[key])
    file.write_bytes(zipped(content))


def _put_below(content: Content, sheet: str, last: int, here: int, gone: int) -> None:
    n = last + BEHIND
    below = (
        f'<row r="{n}">{text(f"A{n}", "all")}{formula(f"H{n}", f"SUM(H2:H{last})")}'
        f"{formula(f'I{n}', f'H{here}')}{formula(f'J{n}', f'H{gone}')}</row>"
        f'<row r="{n + 2}">{text(f"A{n + 2}", "Row Labels")}{text(f"B{n + 2}", "Count of Customer")}</row>'
        f'<row r="{n + 3}">{text(f"A{n + 3}", "Units differ")}<c r="B{n + 3}"><v>9</v></c></row>'
        f'<row r="{n + 4}">{text(f"A{n + 4}", "Grand Total")}<c r="B{n + 4}"><v>9</v></c></row>'
    )
    content.put(sheet, "</sheetData>", below)
    name = f'<definedName name="my_row">{MISMATCHES}!$A${here}</definedName>'
    content.put("xl/workbook.xml", "</definedNames>", name)


def _put_rules(content: Content, sheet: str, last: int, here: int, gone: int) -> None:
    content.put(
        sheet,
        "<conditionalFormatting",
        f'<protectedRanges><protectedRange sqref="Y{here} Y2:Y{gone}" name="p"/></protectedRanges>'
        f'<scenarios><scenario name="s" count="2"><inputCells r="Y{here}" val="1"/>'
        f'<inputCells r="Y{gone}" val="2"/></scenario></scenarios>'
        f'<mergeCells count="1"><mergeCell ref="AB{here}:AC{here}"/></mergeCells>',
    )
    pieces = f"AA2:AA{gone - 3} AA{gone - 1}:AA{last}"  # as Excel splits a rule
    content.put(
        sheet,
        "<dataValidations",
        f'<conditionalFormatting sqref="{pieces}"><cfRule type="expression" priority="99">'
        "<formula>$H2&gt;0</formula></cfRule></conditionalFormatting>",
    )
    content.put(
        sheet,
        "</dataValidations>",
        f'<dataValidation type="decimal" sqref="Y{here}"><formula1>$H{here}</formula1><formula2>9</formula2>'
        "</dataValidation>",
    )
    content[sheet] = content[sheet].replace(b'<dataValidations count="7"', b'<dataValidations count="8"')
    content.put(
        sheet,
        "<pageMargins",
        f'<hyperlinks><hyperlink ref="Y{here}" location="{MISMATCHES}!A{here}" display="here"/>'
        f'<hyperlink ref="Y{gone}" location="Start!A1"/></hyperlinks>',
    )
    content.put(
        sheet,
        "<tableParts",
        '<rowBreaks count="1" manualBreakCount="1">'
        f'<brk id="{here}" max="16383" man="1"/></rowBreaks>'
        f'<cellWatches><cellWatch r="H{here}"/></cellWatches>'
        f'<ignoredErrors><ignoredError sqref="Y{here}" numberStoredAsText="1"/></ignoredErrors>'
        f'<drawing xmlns:r="{RELATIONS}" r:id="rId71"/>',
    )
    sparklines = "".join(
        f"<x14:sparkline><xm:f>{MISMATCHES}!E{n}:H{n}</xm:f><xm:sqref>AD{n}</xm:sqref></x14:sparkline>"
        for n in (here, gone)
    )
    content.put(
        sheet,
        "</worksheet>",
        f'<extLst><ext uri="{{05C60535-1F16-4fd2-B633-F4F36F0B64E0}}" {X14}><x14:sparklineGroups>'
        f"<x14:sparklineGroup><x14:sparklines>{sparklines}</x14:sparklines></x14:sparklineGroup>"
        "</x14:sparklineGroups></ext></extLst>",
    )


def _put_pivot(content: Content, sheet: str, last: int) -> None:
    """A pivot table below the rows that counts them, with its cache."""
    cache, records = "xl/pivotCache/pivotCacheDefinition1.xml", "xl/pivotCache/pivotCacheRecords1.xml"
    fields = (
        '<cacheField name="Approve" numFmtId="0"><sharedItems containsBlank="1"/></cacheField>'
        '<cacheField name="Customer" numFmtId="0"><sharedItems/></cacheField>'
        '<cacheField name="Product" numFmtId="0"><sharedItems/></cacheField>'
        '<cacheField name="Mismatch" numFmtId="0"><sharedItems count="1"><s v="Units differ"/></sharedItems>'
        "</cacheField>"
    )
    content.add(
        cache,
        f'<pivotCacheDefinition xmlns="{MAIN}" xmlns:r="{RELATIONS}" r:id="rId1" refreshOnLoad="1" '
        f'recordCount="1"><cacheSource type="worksheet"><worksheetSource ref="A1:D{last}" '
        f'sheet="{MISMATCHES}"/></cacheSource><cacheFields count="4">{fields}</cacheFields>'
        "</pivotCacheDefinition>",
        "xl/workbook.xml",
        "pivotCacheDefinition",
        "rId72",
    )
    content.add(
        records,
        f'<pivotCacheRecords xmlns="{MAIN}" count="1"><r><m/><s v="a"/><s v="b"/><x v="0"/></r>'
        "</pivotCacheRecords>",
        cache,
        "pivotCacheRecords",
        "rId1",
    )
    top = last + BEHIND + 2
    unused = '<pivotField showAll="0"/>'
    table = (
        f'<pivotTableDefinition xmlns="{MAIN}" name="Kinds" cacheId="7" dataCaption="Values">'
        f'<location ref="A{top}:B{top + 2}" firstHeaderRow="1" firstDataRow="1" firstDataCol="1"/>'
        f'<pivotFields count="4">{unused}<pivotField dataField="1" showAll="0"/>{unused}'
        '<pivotField axis="axisRow" showAll="0"><items count="2"><item x="0"/><item t="default"/></items>'
        '</pivotField></pivotFields><rowFields count="1"><field x="3"/></rowFields>'
        '<rowItems count="2"><i><x/></i><i t="grand"><x/></i></rowItems>'
        '<colItems count="1"><i/></colItems><dataFields count="1">'
        '<dataField name="Count of Customer" fld="1" subtotal="count" baseField="0" baseItem="0"/>'
        "</dataFields></pivotTableDefinition>"
    )
    part = "xl/pivotTables/pivotTable1.xml"
    content.add(part, table, sheet, "pivotTable", "rId73")
    folder, _, name = part.rpartition("/")
    content[f"{folder}/_rels/{name}.rels"] = (
        f'<Relationships xmlns="{PACKAGE}"><Relationship Id="rId1" Type="{RELATIONS}/pivotCacheDefinition" '
        f'Target="/{cache}"/></Relationships>'
    ).encode()
    caches = f'<pivotCaches><pivotCache xmlns:r="{RELATIONS}" cacheId="7" r:id="rId72"/></pivotCaches>'
    content.put("xl/workbook.xml", "</workbook>", caches)


def _put_chart(content: Content, sheet: str, last: int, here: int) -> None:
    """A chart below the rows, of all of them and of one."""
    corner = (
        "<xdr:{0}><xdr:col>9</xdr:col><xdr:colOff>0</xdr:colOff><xdr:row>{1}</xdr:row>"
        "<xdr:rowOff>0</xdr:rowOff></xdr:{0}>"
    )
    chart, drawing = "xl/charts/chart77.xml", "xl/drawings/drawing77.xml"
    content.add(
        drawing,
        f'<xdr:wsDr xmlns:xdr="{DRAWN}/spreadsheetDrawing" xmlns:a="{DRAWN}/main"><xdr:twoCellAnchor>'
        f"{corner.format('from', last + BEHIND)}{corner.format('to', last + BEHIND + 9)}"
        '<xdr:graphicFrame macro=""><xdr:nvGraphicFramePr><xdr:cNvPr id="2" name="Mine"/>'
        '<xdr:cNvGraphicFramePr/></xdr:nvGraphicFramePr><xdr:xfrm><a:off x="0" y="0"/><a:ext cx="0" cy="0"/>'
        f'</xdr:xfrm><a:graphic><a:graphicData uri="{DRAWN}/chart"><c:chart xmlns:c="{DRAWN}/chart" '
        f'xmlns:r="{RELATIONS}" r:id="rId1"/></a:graphicData></a:graphic></xdr:graphicFrame>'
        "<xdr:clientData/></xdr:twoCellAnchor></xdr:wsDr>",
        sheet,
        "drawing",
        "rId71",
    )
    series = "".join(
        f'<c:ser><c:idx val="{n}"/><c:order val="{n}"/><c:val><c:numRef><c:f>{MISMATCHES}!{cells}</c:f>'
        "</c:numRef></c:val></c:ser>"
        for n, cells in enumerate((f"$H$2:$H${last}", f"$E${here}:$H${here}"))
    )
    axes = "".join(
        f'<c:{kind}><c:axId val="{own}"/><c:scaling/><c:axPos val="{place}"/><c:crossAx val="{other}"/>'
        f"</c:{kind}>"
        for kind, own, place, other in (("catAx", 1, "b", 2), ("valAx", 2, "l", 1))
    )
    content.add(
        chart,
        f'<c:chartSpace xmlns:c="{DRAWN}/chart"><c:chart><c:plotArea><c:barChart><c:barDir val="col"/>'
        f'{series}<c:axId val="1"/><c:axId val="2"/></c:barChart>{axes}</c:plotArea></c:chart>'
        "</c:chartSpace>",
        drawing,
        "chart",
        "rId1",
    )
