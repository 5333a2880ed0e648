"""`python -m qwenproxy`: the same as the console command `qwenproxy`."""

from qwenproxy.cli import main

if __name__ == "__main__":
    main()
