"""What people decided in a workbook: links, approvals, records to create. A bad cell becomes a `Problem`."""
