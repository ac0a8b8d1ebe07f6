"""Sheets as nearly all programs write them, whose XML need not be cut up to be read."""

from __future__ import annotations

import re
from typing import Final

from xlsync.xlsx.markup import NAMESPACES

_NOT_PLAIN: Final = re.compile(  # a cell with an error or a formula, far away, or written in another way
    rb'<f[\s/>]|<c(?=[\s/>])(?! r="[A-C]?[A-Z][1-9][0-9]{0,4}"'  # 104 columns of 99,999 rows can be read
    rb'(?: s="[0-9]++")?+(?: t="(?!e")[a-zA-Z]++")?+(?:/>|><[vi/]))'
)


def is_plain(part: bytes) -> bool:
    """Whether it can be told at a glance that a sheet has no formulas, no errors, no cell far away.

    Where it is in doubt, it is not.
    """
    space = NAMESPACES[0].encode()
    return (
        b' xmlns="%b"' % space in part[:2000]
        and part.count(space) == 1  # else the same elements may stand there under a prefix
        and b'<c r="' in part
        and (b"!" not in part or b"<!" not in part)  # a comment may hold anything; one byte is found sooner
        and not _NOT_PLAIN.search(part)
    )
