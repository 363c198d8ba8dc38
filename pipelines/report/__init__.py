"""The report: one HTML file that opens offline, drawn from the marts."""
