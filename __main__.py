"""One environment: settings, MX hosts, DNS records, outputs."""

from components.engine import early

early.begin()

from components.dns.component import Dns
from components.host import guard_queues, read_drift, warn_of_replaced
from components.mail_exchanger import mail_exchangers
from components.services.mta_sts import policy as mta_sts
from components.stack import config as stack
from components.stack import gate, renewals, zones
from components.stack.edited import warn_of_edited
from components.stack.failures import fail_at_the_end
from components.stack.judged import refuse_dangerous
from components.stack.leaving import refuse_at_once
from components.stack.sdk_log import no_debug

no_debug()
settings = stack.load()
refuse_at_once(settings)
refuse_dangerous(settings)
fail_at_the_end()
tokens = stack.tokens(settings)
looking = zones.Looking(settings, stack.dns_api(settings))
seen = read_drift(settings, stack.owner())
before = looking.judged()
failures = renewals.failures(settings, seen)
renewals.warn(failures)
warn_of_edited(settings, seen)
exchangers = mail_exchangers(settings, stack.owner(), seen, before.api, stack.rspamd_password())
warn_of_replaced(settings, {key: each.host.target for key, each in exchangers.items()})
serving = {key: each.serving for key, each in exchangers.items()}
taking = {key: each.taking for key, each in exchangers.items()}
ids = mta_sts.ids(settings)
dns = Dns(
    "dns",
    settings,
    serving,
    tokens,
    ids,
    former=before.zones,
    adopt=before.adopt,
    before_mx=gate.Gate(settings, taking).hook,
)
guard_queues(settings, [*exchangers.values(), dns])
stack.export(settings, failures, dns.ds)
