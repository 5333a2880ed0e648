@echo off
rem Set everything up and start qwenproxy; arguments go to "qwenproxy start".
setlocal
chcp 65001 >nul
set PYTHONUTF8=1
cd /d "%~dp0"
if not exist ".venv\Scripts\python.exe" (
    echo Setting up .venv ^(once; takes a minute^) ...
    py -3 -m venv .venv 2>nul || python -m venv .venv || goto :nopython
)
if not exist ".venv\.installed" (
    ".venv\Scripts\python.exe" -m pip install --quiet --disable-pip-version-check --editable ".[sandbox]" || goto :failed
    echo done> ".venv\.installed"
)
".venv\Scripts\python.exe" -m qwenproxy start %*
exit /b %errorlevel%

:nopython
echo qwenproxy needs Python 3.10 to 3.13 from https://www.python.org/downloads/ ^(tick "Add python.exe to PATH"^).
exit /b 1

:failed
echo The installation failed; the lines above say why. Run start.bat again once that is mended.
exit /b 1
