"""The people who have a login: accounts, their logins, and the tokens that prove one."""
