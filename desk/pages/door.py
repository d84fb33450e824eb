"""The pages in front of the door: log in, and set a password by a one-time link. Plain HTML, without a socket."""

from html import escape
from urllib.parse import parse_qs, urlsplit

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from desk.desk import desk_of
from desk.people.door import address_of
from desk.people.headers import set_cookie
from desk.people.login import Entered, come_in_by_link, log_in
from desk.people.passwords import Passwords
from models.errors import AccessRefused, ConfigError, NijaError, NotLoggedIn, TooManyTries
from models.people import LEAST_PASSWORD

router = APIRouter(include_in_schema=False)
_LONGEST_FORM = 16_384

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title} · Nija</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<style>
:root {{ --ground:#f5f6f8; --card:#fff; --ink:#1a1f2b; --soft:#5b6472; --line:#d8dce3; --mark:#0b62c4; --bad:#b3261e }}
@media (prefers-color-scheme: dark) {{
 :root {{ --ground:#0f1319; --card:#171c24; --ink:#e6e9ee; --soft:#9aa4b2; --line:#2b323d; --mark:#6cb0ff;
 --bad:#ff8a80 }} }}
* {{ box-sizing:border-box }}
body {{ margin:0; min-height:100vh; display:grid; place-items:center; background:var(--ground); color:var(--ink);
 font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif }}
main {{ width:min(22rem,calc(100vw - 2rem)); background:var(--card); border:1px solid var(--line); border-radius:10px;
 padding:1.75rem }}
h1 {{ font-size:1.15rem; margin:0 0 .25rem }} p {{ margin:.25rem 0 1rem; color:var(--soft) }}
label {{ display:block; font-weight:600; margin:.9rem 0 .3rem }}
input {{ width:100%; padding:.55rem .65rem; border:1px solid var(--line); border-radius:6px; background:transparent;
 color:inherit; font:inherit }}
input:focus-visible,button:focus-visible {{ outline:2px solid var(--mark); outline-offset:1px }}
button {{ width:100%; margin-top:1.4rem; padding:.6rem; border:0; border-radius:6px; background:#0b62c4; color:#fff;
 font:inherit; font-weight:600; cursor:pointer }}
[role=alert] {{ color:var(--bad); margin:0 0 .5rem; font-weight:600 }}
</style></head><body><main><h1>{title}</h1>{body}</main></body></html>"""

_LOGIN = """<p>Nija's desk</p>{alert}
<form method="post" action="/login"><input type="hidden" name="next" value="{beyond}">
<label for="name">Name</label>
<input id="name" name="name" autocomplete="username" autocapitalize="none" value="{name}" required autofocus>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required>
<button>Log in</button></form>"""

# The link's secret stands after the # of its address: no server and no proxy on the way ever sees it in an address.
_WELCOME = """<p>At least {least} characters. The link works once.</p>{alert}
<form method="post" action="/welcome"><input type="hidden" name="link" id="link" value="{link}">
<label for="password">New password</label>
<input id="password" name="password" type="password" autocomplete="new-password" minlength="{least}" required autofocus>
<label for="again">The same again</label>
<input id="again" name="again" type="password" autocomplete="new-password" minlength="{least}" required>
<button>Set password and log in</button></form>
<script>
const link = document.getElementById("link");
if (location.hash.length > 1) {{ link.value = location.hash.slice(1); history.replaceState(null, "", "/welcome"); }}
</script>"""


@router.get("/login")
async def login_page(request: Request) -> Response:
    """Ask for name and password."""
    return _login(beyond=request.query_params.get("next", "/"))


@router.post("/login")
async def login(request: Request) -> Response:
    """Let somebody in, and lead them to where they wanted to go."""
    form, desk = await _form(request), desk_of(request)
    beyond, name = form.get("next", "/"), form.get("name", "")
    try:
        entered = await log_in(desk, _passwords(request), name, form.get("password", ""), address=address_of(request))
    except AccessRefused as error:
        return _login(beyond=beyond, name=name, error=error)
    return _enter(request, entered, beyond)


@router.get("/welcome")
async def welcome_page() -> Response:
    """Ask for a new password."""
    return _welcome()


@router.post("/welcome")
async def welcome(request: Request) -> Response:
    """Keep the password of who has a link, and let them in."""
    form, desk = await _form(request), desk_of(request)
    link, password = form.get("link", ""), form.get("password", "")
    if password != form.get("again", ""):
        return _welcome(link=link, error=ConfigError("password", "the two are not the same"))
    try:
        entered = await come_in_by_link(desk, _passwords(request), link, password, address=address_of(request))
    except (AccessRefused, ConfigError) as error:
        return _welcome(link=link, error=error)
    return _enter(request, entered, "/")


@router.get("/health")
async def health() -> Response:
    """Say that the desk answers."""
    return Response("ok", media_type="text/plain")


def _enter(request: Request, entered: Entered, beyond: str) -> Response:
    answer = RedirectResponse(_inside(beyond), status_code=303)
    set_cookie(answer, desk_of(request).served, entered.session)
    return answer


def _login(*, beyond: str, name: str = "", error: NijaError | None = None) -> Response:
    body = _LOGIN.format(alert=_alert(error), beyond=escape(_inside(beyond)), name=escape(name))
    return _page("Log in", body, error)


def _welcome(*, link: str = "", error: NijaError | None = None) -> Response:
    return _page("Welcome", _WELCOME.format(alert=_alert(error), link=escape(link), least=LEAST_PASSWORD), error)


def _page(title: str, body: str, error: NijaError | None) -> Response:
    status, headers = 200, {}
    if isinstance(error, TooManyTries):
        status, headers = 429, {"Retry-After": str(error.seconds)}
    elif error is not None:
        status = 401 if isinstance(error, NotLoggedIn) else 422
    return HTMLResponse(_PAGE.format(title=title, body=body), status, headers)


def _alert(error: NijaError | None) -> str:
    return "" if error is None else f'<div role="alert">{escape(str(error))}</div>'


def _inside(beyond: str) -> str:
    """Return a way within this desk: an address that leads elsewhere becomes the first page."""
    try:
        parts = urlsplit(beyond)
    except ValueError:  # a bracket that is never closed
        return "/"
    inside = beyond.startswith("/") and not beyond.startswith(("//", "/\\")) and not parts.netloc and not parts.scheme
    return beyond if inside and beyond.isprintable() else "/"


async def _form(request: Request) -> dict[str, str]:
    """Read a form's fields, each once."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LONGEST_FORM:
            raise ConfigError("form", "is too long")
    try:
        fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=20)
    except ValueError:
        raise ConfigError("form", "has too many fields") from None
    return {name: values[-1] for name, values in fields.items()}


def _passwords(request: Request) -> Passwords:
    passwords: Passwords = request.app.state.passwords
    return passwords
