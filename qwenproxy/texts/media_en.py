"""The texts of `qwenproxy image` and `qwenproxy speech`, and of what rests for a kind of work, in English."""

from __future__ import annotations

EN = {
    "help_image": "Have a picture painted, or change one, through the running proxy.\nPROMPT says what to paint; - "
    "reads it from standard input. It takes about half a minute, and counts as one of the pictures of the day.",
    "help_image_output": "The file to write; without it picture.png in this folder, or the next free number.",
    "help_image_size": "A ratio such as 16:9, or a size such as 1536x1024: the nearest that the site knows.",
    "help_image_edit": "Change this picture instead of painting a new one; several are possible.",
    "help_image_model": "A model of the site, or an engine such as qwen-image-3.0-pro.",
    "help_image_force": "Replace the file if it exists.",
    "work_no_server": "No proxy runs on session folder {folder}. Start one: {command}",
    "work_exists": "{path} exists and stays as it is. Name another file, or add --force.",
    "work_no_folder": "The folder of {path} does not exist. Make it, or name another file.",
    "work_read_only": "Nothing can be written to the folder of {path}. Name a file elsewhere.",
    "image_unreadable": "{path} cannot be read ({reason}). Name a picture.",
    "image_no_prompt": 'There is no text. Say what to paint: qwenproxy image "a red fox"',
    "work_key_missing": "The proxy asks for a key, and there is none in its folder. Add one: {command}",
    "image_goes_on": "Painting … {seconds} s",
    "image_failed": "No picture: {message}",
    "work_unanswered": "The proxy does not answer ({reason}). Look at its log, or start it again.",
    "image_done": "{path}  {size}",
    "image_other_type": "{path} holds a picture in the format {type}, which its name does not say.",
    "work_no_stream": "The result goes to a file, not to standard output. Name a file.",
    "work_is_folder": "{path} is a folder. Name a file.",
    "help_speech": "Have a text read aloud, word for word, through the running proxy.\nTEXT has up to 4096 characters; "
    "- reads it from standard input.",
    "help_speech_output": "The file to write, .wav or .pcm (24,000 samples a second, 16 bit, one channel); without it "
    "speech.wav in this folder, or the next free number.",
    "help_speech_voice": "Let an account read that is set to this voice; without it any account reads. The voice is a "
    "setting of each account on the site. list shows which voices the accounts have.",
    "speech_no_text": 'There is no text. Say what to read aloud: qwenproxy speech "Good morning!"',
    "speech_too_long": "The text has {count} characters; {most} can be read at once. Cut it.",
    "speech_ending": "{path} has to end in .wav or .pcm: the site sends plain samples. A program such as ffmpeg makes "
    "other files of a .wav.",
    "speech_goes_on": "Reading aloud … {seconds} s",
    "speech_failed": "No speech: {message}",
    "speech_done": "{path}  {seconds} s",
    "speech_voice_unknown": "?  {ids}: the site has not told the voice yet. Ask it: {command}",
    "kinds_rest": "{id}: used up for now: {kinds}",
    "quota_i2v": "films from a picture",
    "quota_upload": "uploads",
    "quota_tts": "speech",
}
