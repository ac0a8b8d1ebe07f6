"""Writing what was approved: actions, their plan and its limits, the loop that performs them, journal, undo.

Each kind of action (`kinds`) knows how to look at ConnectWise, what to send and what proves that it was done.
"""
