"""OpenAI's objects for films. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qwenproxy.media.film_jobs import DAY_MS, FilmJob

USUAL_LENGTH = 200.0  # seconds that the site takes for a film; between 90 and 350 were seen
MOST_PROGRESS = 95  # percent of a film that is not there yet


def video_object(job: FilmJob, now: float, days: float) -> dict[str, Any]:
    """Return a film at the moment `now` (s since 1970); it stays for so many days.

    The site tells no progress, so it is guessed from the time that films usually take.
    """
    return {
        "id": job.id,
        "object": "video",
        "model": job.model,
        "status": job.status,
        "progress": _progress(job, now),
        "created_at": job.created // 1000,
        "completed_at": job.ended // 1000 if job.ended and job.status == "completed" else None,
        "expires_at": int(job.created + days * DAY_MS) // 1000,
        "prompt": job.prompt,
        "size": job.size,
        "seconds": job.seconds,
        "remixed_from_video_id": None,
        "error": {"code": job.error, "message": job.reason} if job.status == "failed" else None,
    }


def page_object(videos: Sequence[dict[str, Any]], *, has_more: bool) -> dict[str, Any]:
    """Return a list of films."""
    ends = [videos[0]["id"], videos[-1]["id"]] if videos else [None, None]
    return {"object": "list", "data": list(videos), "first_id": ends[0], "last_id": ends[1], "has_more": has_more}


def _progress(job: FilmJob, now: float) -> int:
    if job.status == "completed":
        return 100
    share = max(0.0, now - job.created / 1000) / USUAL_LENGTH
    return 0 if job.status != "in_progress" else min(MOST_PROGRESS, int(share * 100))
