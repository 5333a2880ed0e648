"""The browser: one logged-in Chrome tab per account. Only this room knows Selenium."""
