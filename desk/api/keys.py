"""The accounts' API keys. No route here sends one back."""

from fastapi import APIRouter
from pydantic import BaseModel

from desk.actions import keys as actions
from desk.actions.keys import NewKeys, RotatedMaster, Saved
from desk.api.guard import Admin, Operator, TheDesk, Viewer
from desk.api.kinds import AccountId, Done
from desk.api.paging import Page, Paging
from desk.views.keys import KeyCard, KeyTestReport, key_cards

router = APIRouter(tags=["keys"])


class Tried(BaseModel):
    """Whose keys to try; without `keys` those that a run would use."""

    account: AccountId
    keys: NewKeys | None = None


class ToSave(BaseModel):
    """New keys of an account. `replace`: in the place of stored ones; `untested`: whatever the venue says of them."""

    account: AccountId
    keys: NewKeys
    replace: bool = False
    untested: bool = False


class OfAccount(BaseModel):
    """Which account is meant."""

    account: AccountId


@router.get("/api/keys/list")
async def list_keys(desk: TheDesk, _: Viewer, paging: Paging) -> Page[KeyCard]:
    """List whose keys there are, from where, and how their last test went."""
    return paging.of(await key_cards(desk))


@router.post("/api/keys/test")
async def test(desk: TheDesk, who: Operator, tried: Tried) -> KeyTestReport:
    """Try keys at the venue: are they accepted, what may they do. Nothing is touched there."""
    return await actions.try_keys(desk, who, tried.account, tried.keys)


@router.post("/api/keys/save")
async def save(desk: TheDesk, who: Admin, wanted: ToSave) -> Saved:
    """Try new keys, and keep them encrypted when the venue has accepted them."""
    how = {"untested": wanted.untested, "replace": wanted.replace}
    return await actions.save_keys(desk, who, wanted.account, wanted.keys, **how)


@router.post("/api/keys/delete")
async def delete(desk: TheDesk, who: Admin, wanted: OfAccount) -> Done:
    """Remove an account's keys from the store. Revoke them at the venue, too."""
    await actions.delete_keys(desk, who, wanted.account)
    return Done()


@router.post("/api/keys/rotate")
async def rotate(desk: TheDesk, who: Admin) -> RotatedMaster:
    """Encrypt all stored keys with a new master key. Back it up."""
    return await actions.rotate_master_key(desk, who)
