"""Objects that people lay on the rows of *Mismatches*, written as Excel writes them into a package."""

from __future__ import annotations

import base64
from pathlib import Path

from tests.helpers.hand import MISMATCHES
from tests.helpers.own_cells import DRAWN, PACKAGE, Content, text
from tests.helpers.workbooks import RELATIONS, parts, zipped
from tests.workbook.test_workbook_keeps import part_of_sheet

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
COMPATIBILITY = "http://schemas.openxmlformats.org/markup-compatibility/2006"
OFFICE_2010 = "http://schemas.microsoft.com/office/drawing/2010/main"
RICH = "http://schemas.microsoft.com/office/spreadsheetml/2017/richdata"
RICH_KINDS = "http://schemas.microsoft.com/office/2017/06/relationships"
RICH_IMAGES = "http://schemas.microsoft.com/office/spreadsheetml/2022/richvaluerel"
RICH_IMAGES_KIND = "http://schemas.microsoft.com/office/2022/10/relationships"


def corners(top: int, bottom: int, column: int = 24) -> str:
    return "".join(
        f"<xdr:{name}><xdr:col>{at}</xdr:col><xdr:colOff>0</xdr:colOff><xdr:row>{row}</xdr:row>"
        f"<xdr:rowOff>{9525 * (name == 'to')}</xdr:rowOff></xdr:{name}>"
        for name, at, row in (("from", column, top), ("to", column + 1, bottom))
    )


def properties(number: int, name: str, inside: str = "") -> str:
    return f'<xdr:cNvPr id="{number}" name="{name}">{inside}</xdr:cNvPr>'


_PLACE = '<a:xfrm><a:off x="0" y="0"/><a:ext cx="9525" cy="9525"/></a:xfrm>'
_SHAPE = f'<xdr:spPr>{_PLACE}<a:prstGeom prst="rect"><a:avLst/></a:prstGeom></xdr:spPr>'


def picture(number: int, name: str, image: str, inside: str = "", more: str = "") -> str:
    """A picture; `inside` are its links, `more` its extensions."""
    return (
        f"<xdr:pic><xdr:nvPicPr>{properties(number, name, inside)}<xdr:cNvPicPr>{more}</xdr:cNvPicPr>"
        f'</xdr:nvPicPr><xdr:blipFill><a:blip xmlns:r="{RELATIONS}" r:embed="{image}"/><a:stretch>'
        f"<a:fillRect/></a:stretch></xdr:blipFill>{_SHAPE}</xdr:pic>"
    )


def two_cells(top: int, bottom: int, inside: str) -> str:
    return f"<xdr:twoCellAnchor>{corners(top, bottom)}{inside}<xdr:clientData/></xdr:twoCellAnchor>"


def chosen(requires: str, anchor: str) -> str:
    """What only newer programs read, with the namespace declared around it, as Excel writes it."""
    return (
        f'<mc:AlternateContent xmlns:mc="{COMPATIBILITY}"><mc:Choice xmlns:{requires}="{OFFICE_2010}" '
        f'Requires="{requires}">{anchor}</mc:Choice><mc:Fallback/></mc:AlternateContent>'
    )


def lay(file: Path, row: int) -> None:
    """Lay a picture with a link, a camera picture, a chart and a check box on a row (0-based) of mismatches.

    The cell in column Y of that row holds a picture, the one in Z a value of a data type.
    """
    content = Content(parts(file.read_bytes()))
    sheet = part_of_sheet(content, MISMATCHES)
    _put_drawing(content, sheet, row)
    _put_check_box(content, sheet, row)
    _put_rich_values(content, sheet, row)
    file.write_bytes(zipped(content))


def _put_drawing(content: Content, sheet: str, row: int) -> None:
    link = f'<a:hlinkClick xmlns:r="{RELATIONS}" r:id="rId2"/>'
    camera = (
        '<a:extLst><a:ext uri="{84589F7E-364E-4C9E-8A38-B11213B215E9}"><a14:cameraTool '
        f'cellRange="$H${row + 1}" spid="_x0000_s1030"/></a:ext></a:extLst>'
    )
    compatible = (
        '<a:extLst><a:ext uri="{63B3BB69-23CF-44E3-9099-C40C66FF867C}"><a14:compatExt spid="_x0000_s1029"/>'
        "</a:ext></a:extLst>"
    )
    box = (
        f'<xdr:sp macro="" textlink=""><xdr:nvSpPr>{properties(5, "Check Box 1", compatible)}<xdr:cNvSpPr/>'
        f"</xdr:nvSpPr>{_SHAPE}</xdr:sp>"
    )
    chart = (
        f'<xdr:graphicFrame macro=""><xdr:nvGraphicFramePr>{properties(4, "Trend 1")}'
        '<xdr:cNvGraphicFramePr/></xdr:nvGraphicFramePr><xdr:xfrm><a:off x="0" y="0"/>'
        f'<a:ext cx="0" cy="0"/></xdr:xfrm><a:graphic><a:graphicData uri="{DRAWN}/chart"><c:chart '
        f'xmlns:c="{DRAWN}/chart" xmlns:r="{RELATIONS}" r:id="rId3"/></a:graphicData></a:graphic>'
        "</xdr:graphicFrame>"
    )
    part = "xl/drawings/drawing78.xml"
    content.add(
        part,
        f'<xdr:wsDr xmlns:xdr="{DRAWN}/spreadsheetDrawing" xmlns:a="{DRAWN}/main">'
        f"{two_cells(row, row + 5, picture(2, 'Logo', 'rId1', link))}"
        f"{chosen('a14', two_cells(row, row + 1, picture(3, 'Camera 1', 'rId1', more=camera)))}"
        f"{two_cells(row, row + 8, chart)}"
        f"{chosen('a14', two_cells(row, row + 1, box))}</xdr:wsDr>",
        sheet,
        "drawing",
        "rId78",
    )
    content["xl/media/own.png"] = PNG
    content["xl/drawings/_rels/drawing78.xml.rels"] = (
        f'<Relationships xmlns="{PACKAGE}">'
        f'<Relationship Id="rId1" Type="{RELATIONS}/image" Target="../media/own.png"/>'
        f'<Relationship Id="rId2" Type="{RELATIONS}/hyperlink" Target="https://example.com/?a=1&amp;b=2" '
        f'TargetMode="External"/></Relationships>'
    ).encode()
    content.declare_default("png", "image/png")
    content.add(
        "xl/charts/chart78.xml",
        f'<c:chartSpace xmlns:c="{DRAWN}/chart" xmlns:a="{DRAWN}/main"><c:chart><c:plotArea><c:layout/>'
        '<c:barChart><c:barDir val="col"/><c:ser><c:idx val="0"/><c:order val="0"/><c:val><c:numRef>'
        f"<c:f>{MISMATCHES}!$H${row + 1}</c:f></c:numRef></c:val></c:ser>"
        '<c:axId val="1"/><c:axId val="2"/></c:barChart>'
        '<c:catAx><c:axId val="1"/><c:scaling/><c:axPos val="b"/><c:crossAx val="2"/></c:catAx>'
        '<c:valAx><c:axId val="2"/><c:scaling/><c:axPos val="l"/><c:crossAx val="1"/></c:valAx>'
        "</c:plotArea></c:chart></c:chartSpace>",
        part,
        "chart",
        "rId3",
    )


def _put_check_box(content: Content, sheet: str, row: int) -> None:
    vml = "xl/drawings/vmlDrawing78.vml"
    content[vml] = (
        '<xml xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office" '
        'xmlns:x="urn:schemas-microsoft-com:office:excel"><v:shapetype id="_x0000_t201" coordsize="1,1" '
        'o:spt="201" path="m,l,21600r21600,l21600,xe"/><v:shape id="_x0000_s1029" type="#_x0000_t201" '
        "style='position:absolute'><x:ClientData ObjectType=\"Checkbox\"><x:Anchor>24, 0, "
        f"{row}, 0, 25, 0, {row + 1}, 1</x:Anchor><x:FmlaLink>$Y${row + 1}</x:FmlaLink></x:ClientData>"
        "</v:shape></xml>"
    ).encode()
    content.declare_default("vml", "application/vnd.openxmlformats-officedocument.vmlDrawing")
    content.relate(sheet, vml, f"{RELATIONS}/vmlDrawing", "rId79")
    content.add(
        "xl/ctrlProps/ctrlProp78.xml",
        '<formControlPr xmlns="http://schemas.microsoft.com/office/spreadsheetml/2009/9/main" '
        f'objectType="CheckBox" fmlaLink="$H${row + 2}" lockText="1"/>',
        sheet,
        "ctrlProp",
        "rId80",
    )
    control = (
        (
            f'<mc:AlternateContent xmlns:mc="{COMPATIBILITY}"><mc:Choice Requires="x14"><controls>'
            '<mc:AlternateContent><mc:Choice Requires="x14"><control shapeId="1029" r:id="rId80" '
            'name="Check Box 1"><controlPr defaultSize="0" autoFill="0" autoLine="0" autoPict="0"><anchor>'
            f"{corners(row, row + 1).replace('<xdr:from>', '<from>').replace('</xdr:from>', '</from>')}"
            "</anchor></controlPr></control></mc:Choice></mc:AlternateContent></controls></mc:Choice>"
            "</mc:AlternateContent>"
        )
        .replace("<xdr:to>", "<to>")
        .replace("</xdr:to>", "</to>")
    )
    drawings = (
        f'<drawing xmlns:r="{RELATIONS}" r:id="rId78"/><legacyDrawing xmlns:r="{RELATIONS}" r:id="rId79"/>'
    )
    content.put(sheet, "<tableParts", drawings + control)
    x14 = "http://schemas.microsoft.com/office/spreadsheetml/2009/9/main"
    spaces = f'<worksheet xmlns:r="{RELATIONS}" xmlns:x14="{x14}" xmlns:xdr="{DRAWN}/spreadsheetDrawing" '
    content[sheet] = content[sheet].replace(b"<worksheet ", spaces.encode(), 1)


def _put_rich_values(content: Content, sheet: str, row: int) -> None:
    rich = "".join(
        f'<c r="{column}{row + 1}" t="e" vm="{number}"><v>#VALUE!</v></c>'
        for number, column in enumerate("YZ", 1)
    )
    content.put(sheet, rf'</row>(?=<row r="{row + 2}"|</sheetData>)', rich)
    content.put(sheet, r"</row>", text("Y1", "Proof"))
    blocks = "".join(
        f'<bk><extLst><ext uri="{{3e2802c4-a4d2-4d8b-9148-e3be6c30e623}}"><xlrd:rvb i="{n}"/></ext></extLst>'
        "</bk>"
        for n in range(2)
    )
    content.add(
        "xl/metadata.xml",
        f'<metadata xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:xlrd="{RICH}">'
        '<metadataTypes count="1"><metadataType name="XLRICHVALUE" minSupportedVersion="120000" copy="1" '
        'pasteAll="1" pasteValues="1" merge="1" splitFirst="1" rowColShift="1" clearFormats="1" '
        'clearComments="1" assign="1" coerce="1"/></metadataTypes>'
        f'<futureMetadata name="XLRICHVALUE" count="2">{blocks}</futureMetadata>'
        '<valueMetadata count="2"><bk><rc t="1" v="0"/></bk><bk><rc t="1" v="1"/></bk></valueMetadata>'
        "</metadata>",
        "xl/workbook.xml",
        "sheetMetadata",
        "rId81",
    )
    content.add(
        "xl/richData/rdrichvalue.xml",
        f'<rvData xmlns="{RICH}" count="2"><rv s="0"><v>0</v><v>5</v></rv><rv s="1"><v>0</v></rv></rvData>',
        "xl/workbook.xml",
        "rdRichValue",
        "rId82",
        RICH_KINDS,
    )
    content.add(
        "xl/richData/rdrichvaluestructure.xml",
        f'<rvStructures xmlns="{RICH}" count="2"><s t="_localImage"><k n="_rvRel:LocalImageIdentifier" '
        't="i"/><k n="CalcOrigin" t="i"/></s><s t="_linkedentity2"><k n="%cvi" t="i"/></s></rvStructures>',
        "xl/workbook.xml",
        "rdRichValueStructure",
        "rId83",
        RICH_KINDS,
    )
    content.add(
        "xl/richData/richValueRel.xml",
        f'<richValueRels xmlns="{RICH_IMAGES}" xmlns:r="{RELATIONS}"><rel r:id="rId1"/></richValueRels>',
        "xl/workbook.xml",
        "richValueRel",
        "rId84",
        RICH_IMAGES_KIND,
    )
    content["xl/richData/_rels/richValueRel.xml.rels"] = (
        f'<Relationships xmlns="{PACKAGE}"><Relationship Id="rId1" Type="{RELATIONS}/image" '
        'Target="../media/own.png"/></Relationships>'
    ).encode()
