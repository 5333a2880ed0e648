"""The browser: one logged-in Chrome tab per account. The only place that knows Selenium."""
