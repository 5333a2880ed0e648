"""The texts of `qwenproxy account export` and `import`, in English."""

from __future__ import annotations

EN = {
    "help_account_export": "Write an account to a file, encrypted with a passphrase, to import it on another machine.\n"
    "The file holds the login with cookies and storage, status and proxy, and no browser profile. Who opens it has the "
    "account. The passphrase is asked for twice; without a terminal it is the first line of standard input.",
    "help_export_force": "Replace FILE if it exists.",
    "help_passphrase_file": "Read the passphrase from the first line of this file; - is standard input.",
    "help_account_import": "Import an account from an exported file, or accounts and chats from a session folder.\n"
    "Nothing in PATH changes, and accounts and chats that are here already stay; a second import changes nothing. An "
    "exported file renews the login of its account, if that is here and needs a new one.",
    "exported": "Account {id} is in {path}.",
    "exported_once": "Use it in one place only, because its login changes with use. When it works there, remove it "
    "here: {remove}",
    "export_exists": "{path} exists and stays as it is. Name another file, or add --force.",
    "passphrase_question": "Passphrase (it stays hidden)",
    "passphrase_again": "The same once more",
    "passphrase_missing": "There is no passphrase. Type one, or name a file that has it with --passphrase-file.",
    "passphrase_file_missing": "{path} does not exist. Name a file with the passphrase in its first line.",
    "passphrase_short": "The passphrase is too short. Take one of at least {count} characters.",
    "passphrase_no_text": "The passphrase is no text in UTF-8. Save its file in UTF-8.",
    "passphrases_differ": "The two passphrases differ, and nothing was written. Try again.",
    "passphrase_for_file": "--passphrase-file is for an exported file, not for a folder.",
    "sealed_foreign": "{path} is no exported account. Name a file that qwenproxy account export wrote, or a folder.",
    "sealed_newer": "{path} comes from a newer version of qwenproxy. Update qwenproxy here, then import it again.",
    "sealed_damaged": "{path} is damaged or incomplete. Copy it again, or export the account anew.",
    "sealed_refuses": "The passphrase does not open the file ({reason}). Try again; nothing was imported.",
    "parcel_unreadable": "The file opens, but does not hold an account ({reason}). Export it anew.",
    "parcel_without_login": "Account {id} has no login kept beside its profile yet. Let it be read once, then export "
    "again: qwenproxy account check {id}",
    "parcel_overtaken": "Another import added account {id} at the same moment. See qwenproxy account list.",
    "parcel_not_needed": "The user of this file is account {id} here, which is not known to need a new login; nothing "
    "was imported. If it does not work, let it be tried: qwenproxy account check {id}. If the site refuses it, import "
    "the file again.",
    "parcel_ended": "The login in the file has ended, as the one of account {id} has. Log in where the file comes from "
    "(qwenproxy account relogin), export the account anew, and import that file.",
    "imported_renewal": "Account {id} was here already. It has the login of the file now; its chats and proxy stay.",
    "export_no_stream": "An account goes to a file, not to standard output. Name a file.",
    "imported_renamed": "The id {old} is taken here: the account is called {id}.",
    "imported": "Imported: {id}",
    "imported_invalid": "Imported: {id}. It needs a new login: {command}",
    "imported_total": "Imported accounts: {count}.",
    "imported_none": "There is no new account there.",
    "imported_chats": "Imported chats: {count}; already here: {known}.",
    "imported_unreadable": "Unreadable, copied unchanged: {names}",
}
