"""The verbs of the command `lohko`: a file or a room each, named for the verb; `lohko/cli.py` lists them.

Belongs here: a verb's options, what it prints, and the order in which it calls the floors below. What several
verbs need stands in `shared/`. Does not: Dagster's wiring (see the modules beside this folder), and anything
computed (see pipelines/).
"""
