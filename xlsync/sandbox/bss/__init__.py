"""The made-up BSS: its API for resellers, version 3, over HTTP."""
