"""The models, as every wire API lists them: one address, whose answer takes the form that the client reads."""
