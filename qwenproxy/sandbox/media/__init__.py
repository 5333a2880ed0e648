"""What the stand-in makes besides talk: pictures with an address each, and how many an account may have in a day."""
