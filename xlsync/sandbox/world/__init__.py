"""The made-up MSP's customers, agreements, products and months of billing, the same at every start."""
