"""The texts of `qwenproxy image`, in English."""

from __future__ import annotations

EN = {
    "help_image": "Have a picture painted, or change one, through the running proxy.\nPROMPT says what to paint; - "
    "reads it from standard input. It takes about half a minute, and counts as one of the pictures of the day.",
    "help_image_output": "The file to write; without it picture.png in this folder, or the next free number.",
    "help_image_size": "A ratio such as 16:9, or a size such as 1536x1024: the nearest that the site knows.",
    "help_image_edit": "Change this picture instead of painting a new one; several are possible.",
    "help_image_model": "A model of the site, or an engine such as qwen-image-3.0-pro.",
    "help_image_force": "Replace the file if it exists.",
    "image_no_server": "No proxy runs on session folder {folder}. Start one: {command}",
    "image_exists": "{path} exists and stays as it is. Name another file, or add --force.",
    "image_no_folder": "The folder of {path} does not exist. Make it, or name another file.",
    "image_read_only": "Nothing can be written to the folder of {path}. Name a file elsewhere.",
    "image_unreadable": "{path} cannot be read ({reason}). Name a picture.",
    "image_no_prompt": 'There is no text. Say what to paint: qwenproxy image "a red fox"',
    "image_key_missing": "The proxy asks for a key, and there is none in its folder. Add one: {command}",
    "image_paints": "Painting … {seconds} s",
    "image_failed": "No picture: {message}",
    "image_unanswered": "The proxy does not answer ({reason}). Look at its log, or start it again.",
    "image_done": "{path}  {size}",
}
