"""What a browser opens: the chat's pages, the sign-in host, and the calls their script makes at boot."""
