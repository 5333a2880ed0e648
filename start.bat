@echo off
rem Set everything up and start qwenproxy; arguments go to "qwenproxy start".
rem ASCII and CRLF only: cmd misreads anything else. Delayed expansion stays off, so that "!" in paths and arguments lives.
setlocal enableextensions disabledelayedexpansion
set "STATUS=1"
set "CODEPAGE="
for /f "tokens=2 delims=:." %%c in ('chcp') do set "CODEPAGE=%%c"
chcp 65001 >nul
set "PYTHONUTF8=1"
rem pushd, because cd cannot enter a network folder.
pushd "%~dp0" || goto end

set "SUPPORTED=import sys; sys.exit(not (3, 10) <= sys.version_info[:2] < (3, 14))"
call :is_set_up && goto start
echo Setting up .venv (once; takes a minute) ...
rem One that works stays: a server may be running from it.
call :has_venv && ".venv\Scripts\python.exe" -m pip --version >nul 2>nul && goto install
call :find_python || goto no_python
%FOUND% -m venv --clear .venv || goto failed
:install
".venv\Scripts\python.exe" -m pip install --quiet --disable-pip-version-check --editable ".[sandbox]" || goto failed
rem What was installed was wanted by this setup.cfg; a changed one is installed anew.
copy /y setup.cfg ".venv\.installed" >nul || goto failed

:start
".venv\Scripts\python.exe" -m qwenproxy start %*
set "STATUS=%errorlevel%"
goto end

:is_set_up
if not exist ".venv\.installed" exit /b 1
fc /b setup.cfg ".venv\.installed" >nul 2>nul || exit /b 1
call :has_venv
exit /b %errorlevel%

:has_venv
rem The Python it was made with may be gone.
".venv\Scripts\python.exe" -c "%SUPPORTED%" >nul 2>nul
exit /b %errorlevel%

:find_python
if defined PYTHON "%PYTHON%" -c "%SUPPORTED%" >nul 2>nul && set FOUND="%PYTHON%" && exit /b 0
rem The newer launcher would install a missing version without a word.
set "PYTHON_MANAGER_AUTOMATIC_INSTALL=false"
for %%v in (3 3.13 3.12 3.11 3.10) do (
    py -%%v -c "%SUPPORTED%" >nul 2>nul && set "FOUND=py -%%v" && exit /b 0
)
rem Where there is no launcher. Without any Python this is the signpost to the store, which fails, too.
python -c "%SUPPORTED%" >nul 2>nul && set "FOUND=python" && exit /b 0
exit /b 1

:no_python
echo qwenproxy needs Python 3.10 to 3.13, and none was found (another version does not do).
echo Get one at https://www.python.org/downloads/ and tick "Add python.exe to PATH"; then run start.bat again.
goto end

:failed
echo The installation failed; the lines above say why. Run start.bat again once that is mended.
goto end

:end
popd
if defined CODEPAGE chcp %CODEPAGE% >nul
rem After a double click the window would close with the message in it; a supervisor has nobody to press a key, and says
rem so as it says that there is no menu. The line may hold any character: hence "!".
setlocal enabledelayedexpansion
if not "%STATUS%"=="0" if not defined QWENPROXY_NO_MENU if not "!cmdcmdline!"=="!cmdcmdline:%~nx0=!" pause
exit /b %STATUS%
