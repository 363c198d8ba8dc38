"""The families of features of accounts: what companies are, their deals, and their members."""
