"""One module for each kind of record: how to look at it, what to send, what proves that it was done.

`handler` has the interface; `xlsync.apply.handlers` chooses the handler of an action.
"""
