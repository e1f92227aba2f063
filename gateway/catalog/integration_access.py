"""Access to the clouds of integrations for tasks, which wait while a cloud is away."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from gateway.catalog.integrations import open_integration
from gateway.context import Services
from gateway.errors import ErrorCode
from gateway.fetching.errors import AccessFault, FetchError
from gateway.kinds.enums import JobWait
from gateway.outages import Outage
from gateway.site_faults import SiteFault
from gateway.watches import INTEGRATION_TIMINGS, Watch


@asynccontextmanager
async def integration_access(services: Services, uuid: UUID | None) -> AsyncIterator[None]:
    """Tell faults of an integration's cloud from what is amiss with a single file of it.

    Without an integration, errors pass through.

    Raises:
        SiteFault: the cloud is down, overloaded, or refuses the credentials. While that is so, the
            block does not run at all; the integration is probed meanwhile.
        FetchError: as the block does, if it is about the file.
    """
    if uuid is None:
        yield
        return
    watch = _watch_of(services, uuid)
    watch.check()
    try:
        yield
    except FetchError as error:
        if isinstance(error, AccessFault):
            watch.note(error)
            raise SiteFault(JobWait.INTEGRATION, error.message) from error
        if error.code is ErrorCode.FORBIDDEN and (fault := await watch.confirm(error)):
            raise fault from error
        raise


def _watch_of(services: Services, uuid: UUID) -> Watch:
    """Return the watch of an integration, of which each process has one."""

    async def probe() -> None:
        try:
            _, cloud = await open_integration(services, uuid)
            for root in cloud.account.roots[:1]:
                await cloud.list_objects(root, size=1)
        except AccessFault as error:
            raise SiteFault(JobWait.INTEGRATION, error.message) from error
        except FetchError:
            pass  # it responds, or was deleted

    watches = services.watches.integrations
    if uuid not in watches:
        outage = Outage(f"integration {uuid}")
        watches[uuid] = Watch(outage, JobWait.INTEGRATION, probe, INTEGRATION_TIMINGS)
    return watches[uuid]
