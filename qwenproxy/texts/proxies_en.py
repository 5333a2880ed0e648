"""The texts about outgoing proxies for the person at the terminal, in English."""

EN = {
    # addresses
    "proxy_unreadable": "The address of the proxy cannot be read: it takes scheme://user:password@host:port, such as "
    "socks5://anna:s3cret@proxy.example:1080. Write special characters of user and password percent-encoded.",
    "proxy_port": "The proxy's port {port} is none: it takes a number from 1 to 65535.",
    "proxy_host": "The proxy's host {host} cannot be: it takes a name or an address.",
    "proxy_scheme": "The proxy's scheme {scheme} is unknown: it takes http, https or socks5.",
    "proxy_percent": "The proxy's user or password has a percent sign that stands for no character: write % as %25.",
    "proxy_password_alone": "The proxy's address has a password, but no user.",
    "proxy_user_colon": "The user of an HTTP proxy cannot have a colon.",
    "proxy_socks_login": "A SOCKS5 proxy takes a user and a password of 1 to {most} characters, ASCII only.",
    "bad_proxy_setting": "QWENPROXY_PROXY: {reason}",
    "proxy_file_unreadable": "The proxy of account {id} cannot be read ({reason}), so its browser stays closed. Set it "
    "anew: qwenproxy account proxy {id} URL",
    # failures
    "proxy_fails": "Account {id} cannot reach the site. {failure} Set the account's proxy anew: "
    "qwenproxy account proxy {id} URL",
    "proxy_unreachable": "The proxy {proxy} cannot be reached ({reason}). Check that it runs.",
    "proxy_silent": "The proxy {proxy} did not answer within {seconds} s.",
    "proxy_silent_tls": "The proxy {proxy} did not answer within {seconds} s. If it speaks no TLS itself, its address "
    "begins with http://.",
    "proxy_refuses_login": "The proxy {proxy} refuses the user or the password.",
    "proxy_wants_login": "The proxy {proxy} wants a user and a password.",
    "proxy_untrusted": "The certificate of the proxy {proxy} is not trusted ({reason}). If it is of an authority of "
    "your own, set SSL_CERT_FILE to a file with that authority's certificate.",
    "proxy_no_tls": "The proxy {proxy} fails at TLS ({reason}). If it speaks none itself, its address begins with "
    "http://.",
    "proxy_strange": "{proxy} does not answer as a proxy of the kind {scheme} does ({reason}). Check scheme, port, "
    "user and password.",
    "proxy_no_way": "The proxy {proxy} does not lead to {host} ({reason}).",
    "forwarder_cannot_start": "No way to the account's proxy can be opened on this machine ({reason}), so its browser "
    "stays closed. Close other programs, then try again.",
    # commands
    "setting_proxy": "outgoing proxy of browsers whose account has none of its own, "
    "`http`, `https` or `socks5://user:password@host:port`",
    "expected_proxy": "an address such as socks5://user:password@host:1080 (http, https or socks5)",
    "help_account_proxy": "Show, set or clear the outgoing proxy of an account. URL is "
    "scheme://user:password@host:port with http, https or socks5; - reads it without showing it.",
    "help_proxy_clear": "take the account's own proxy away",
    "help_add_proxy": "the account's outgoing proxy, from the login window on; - reads it without showing it",
    "add_two_hidden": "Only one of --token and --proxy can be read from standard input.",
    "proxy_question": "Address of the proxy (it is not shown): ",
    "proxy_own": "{id} uses the proxy {proxy}",
    "proxy_default": "{id} uses the proxy {proxy} of QWENPROXY_PROXY",
    "proxy_not_on_grid": "It has a password, so no browser on the Selenium Grid can use it, and the account rests",
    "proxy_none": "{id} uses no proxy",
    "proxy_unreadable_of": "{id}: its proxy cannot be read; set it anew: qwenproxy account proxy {id} URL",
    "proxy_reopens": "A running server closes its browser now and opens it anew that way.",
    "proxy_url_and_clear": "Give either an address or --clear.",
}
