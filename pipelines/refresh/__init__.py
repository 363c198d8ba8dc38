"""The refresh of a business day as functions: one module a stage, and `day.py` that runs them in order.

Belongs here: what a stage does with the open warehouse, and what it tells. Does not: the orchestrator, and
anything outside the warehouse; that comes in as the protocols of `ports.py`. Dagster's assets, the command
and the tests call these functions, so all of them do the same.
"""
