"""Compare the month's billing with ConnectWise's additions: mismatches, proposals for records, a verdict.

Everything here is pure: values in, values out, no file, network or clock.
"""
