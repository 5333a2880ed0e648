"""A person and an account: the login window, the check whether a login holds, accounts that come and go."""
