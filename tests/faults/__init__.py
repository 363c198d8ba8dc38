"""Mistakes planted on purpose, each with the tests that must catch it: `python -m tests.faults [NAME ...]`.

A suite that stays green whatever is broken proves nothing. Every entry of the catalogue breaks one rule of
the product in a copy of the tree, and the tests named for it run there. Whoever moves the code of an entry
moves the entry with it, so that the fault is the same fault in its new home (`test_catalogue.py` says when).
"""
