"""The made-up MSP and its three months of billing, August to October 2026, the same for the same seed."""

from __future__ import annotations

import gc

from xlsync.sandbox.state import SandboxBss, SandboxConnectWise
from xlsync.sandbox.world import november, scenes
from xlsync.sandbox.world.story import Scale, Story


def generate(
    scale: Scale, seed: int, *, with_november: bool = False
) -> tuple[SandboxBss, SandboxConnectWise]:
    """Make both systems from a seed; with November's billing where it is wanted."""
    # Looking for garbage among so many new records takes as long as making them.
    collecting = gc.isenabled()
    gc.disable()
    try:
        story = Story(scale, seed)
        scenes.tell(story)
        story.crowd()
        story.surroundings()
        story.sold.close()
        if with_november:
            november.bill(story)
    finally:
        if collecting:
            gc.enable()
    return story.sold.bss, story.psa.state
