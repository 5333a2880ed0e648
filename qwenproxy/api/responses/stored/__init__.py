"""The part of the Responses API that keeps state: stored responses, conversations, the background, WebSockets."""
