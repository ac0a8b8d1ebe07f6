"""ConnectWise PSA: its HTTP client, its records as values, and the lists that fill the dropdowns.

Field names and limits are those of the published OpenAPI description.
"""
