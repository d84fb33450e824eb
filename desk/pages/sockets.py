"""A socket belongs to one page, and to the session that the page was given to."""

from urllib.parse import parse_qs

from nicegui import Client

from models.people import Who


def is_of_its_page(query: str, who: Who) -> bool:
    """Whether a socket is for a page that was given to the same session. One that names no page is not.

    A page that is not known here, as after a restart, is nobody's: the framework has its browser load it anew.
    """
    page = parse_qs(query).get("client_id", [""])[0]
    if not page:
        return False
    client = Client.instances.get(page)
    if client is None:
        return True
    owner: Who | None = getattr(client.request.state, "who", None)
    return owner is not None and owner.key == who.key
