"""Which ConnectWise company, agreement and product a billing line belongs to, and on what evidence.

The modules that decide are pure; `store` keeps what is remembered, `exchange` reads and writes it as CSV.
"""
