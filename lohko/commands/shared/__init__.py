"""What several verbs need: options, output in a terminal, and ways to open what is stored or published."""
