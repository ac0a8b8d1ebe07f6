"""HTTP, sent nowhere else: requests within a polite rate, repeated reads, and every failure in words."""
