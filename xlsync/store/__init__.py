"""JSON stored on disk under keys, through diskcache: a cache, and the lasting entries of an environment."""

from xlsync.store.cache import Cache, NotJsonError, open_store
from xlsync.store.entries import (
    FORMAT,
    EnvironmentStore,
    FileStore,
    Merge,
    Store,
    environment_folder,
    keep_newer,
)

__all__ = [
    "FORMAT",
    "Cache",
    "EnvironmentStore",
    "FileStore",
    "Merge",
    "NotJsonError",
    "Store",
    "environment_folder",
    "keep_newer",
    "open_store",
]
