"""English texts about a Selenium Grid; the Russian ones are in grid_ru.py under the same keys, in the same order."""

EN = {
    "grid_shares_nothing": "QWENPROXY_ACCOUNTS_PER_BROWSER is for browsers on this machine: on a Grid each account "
    "has a browser of its own. Remove it, or QWENPROXY_GRID_URL.",
    "grid_silent": "The Selenium Grid at {hub} does not answer ({reason}). Start its hub, or correct "
    "QWENPROXY_GRID_URL.",
    "grid_hangs_up": "The Selenium Grid at {hub} ends the connection without an answer. If its hub speaks TLS, write "
    "https:// in QWENPROXY_GRID_URL.",
    "grid_hangs_up_tls": "The Selenium Grid at {hub} ends the connection without an answer. Start its hub anew; if it "
    "speaks no TLS, write http:// in QWENPROXY_GRID_URL.",
    "grid_refused": "The Selenium Grid at {hub} does not accept this user and password. Put them into "
    "QWENPROXY_GRID_URL: http(s)://user:password@host:port",
    "grid_untrusted": "The certificate of the Selenium Grid at {hub} is not trusted ({reason}). Set SSL_CERT_FILE to "
    "a file with the certificate of its authority.",
    "grid_certificate": "The certificate of the Selenium Grid at {hub} cannot be accepted ({reason}). Give its hub one "
    "that is valid and has the name in QWENPROXY_GRID_URL.",
    "grid_no_tls": "The Selenium Grid at {hub} fails at TLS ({reason}). If its hub speaks none, write http:// in "
    "QWENPROXY_GRID_URL.",
    "grid_unlike": "What answers at {hub} is no Selenium Grid 4. Correct QWENPROXY_GRID_URL, or start a hub there.",
    "grid_no_nodes": "The Selenium Grid at {hub} has no node for Chrome that is up. Run: qwenproxy doctor",
    "grid_full": "All {slots} slots of the Selenium Grid at {hub} are taken. Start another node, raise "
    "--max-sessions, or lower QWENPROXY_MAX_BROWSERS.",
    "grid_not_created": "The Selenium Grid at {hub} did not start a browser. {words} Run: qwenproxy doctor",
    "grid_late": "The Selenium Grid at {hub} did not start a browser within {seconds} s. Its nodes may be too busy.",
    "grid_browser_died": "The browser on the Selenium Grid at {hub} ended while it opened the site. {reason} Try "
    "again; if that does not help, run: qwenproxy doctor",
    "grid_proxy_password": "The proxy {proxy} of account {id} has a password, which a browser on the Selenium Grid at "
    "{hub} cannot use. Give the account a proxy without one, or let browsers open on this machine (no "
    "QWENPROXY_GRID_URL).",
    "grid_no_window": "A login needs a window, and there is no Chrome or Chromium on this machine to open it. The "
    "dashboard will show the windows of a Selenium Grid; until then install a browser here, or import the account "
    "from a machine with one (qwenproxy account import).",
    "grid_local_window": "The login window opens on this machine. The account's browsers will open on the Selenium "
    "Grid.",
    "doctor_grid": "Selenium Grid {version} at {hub}: nodes: {nodes}, slots taken: {taken} of {slots}",
    "doctor_grid_node": "Node {uri}: sessions: {sessions} of {slots}{accounts}",
    "doctor_grid_accounts": ", accounts: {ids}",
    "doctor_grid_queue": "Requests that wait for a slot of the Grid: {count}.",
    "doctor_grid_queue_remedy": "Start another node, or raise --max-sessions of the nodes.",
    "doctor_grid_fails": "The Selenium Grid cannot be used.",
    "doctor_grid_no_nodes": "No node has registered at the hub.",
    "doctor_grid_no_nodes_remedy": "Start a node. It needs the hub's address, an open way to its ports 4442 and 4443 "
    "and, if the hub has a password, the same --registration-secret as the hub.",
    "doctor_grid_no_chrome": "No node of the Grid has a Chrome.",
    "doctor_grid_no_chrome_remedy": "Install Chrome and chromedriver on the nodes, or name them with "
    "--driver-configuration.",
    "doctor_grid_down": "Node {uri} is {status}.",
    "doctor_grid_down_remedy": "Start it anew. If it is up, look for its heartbeat in the log of the hub.",
    "doctor_grid_few": "The Grid has {slots} slots, and up to {wanted} browsers may be open.",
    "doctor_grid_few_remedy": "Start the nodes with --max-sessions N --override-max-sessions true, or set "
    "QWENPROXY_MAX_BROWSERS={slots}.",
    "doctor_grid_short": "Node {uri} ends sessions after {seconds} s without a command, which a page may take to load.",
    "doctor_grid_long": "Node {uri} keeps what a killed qwenproxy leaves for {seconds} s, and its slots with it.",
    "doctor_grid_timeout_remedy": "Start the node with --session-timeout 300.",
    "doctor_grid_heartbeat": "Node {uri} gives a sign of life each {seconds} s, so that its death shows late.",
    "doctor_grid_heartbeat_remedy": "Start the node with --heartbeat-period 5.",
    "doctor_grid_open": "The Grid has no password: everybody who reaches {hub} can use the browsers and their logins.",
    "doctor_grid_open_remedy": "Start the hub with --username and --password, hub and nodes with the same "
    "--registration-secret, and put user and password into QWENPROXY_GRID_URL.",
    "doctor_grid_plain": "The way to {hub} is not encrypted: logins and answers can be read there.",
    "doctor_grid_plain_remedy": "Start the hub with --https-certificate and --https-private-key, and use https:// in "
    "QWENPROXY_GRID_URL; for an authority of your own set SSL_CERT_FILE.",
    "doctor_grid_fit": "The settings of the Grid fit.",
}
