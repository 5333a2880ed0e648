"""A Selenium Grid on this machine, a hub and some nodes, to try qwenproxy with. Ctrl-C ends all of it."""
