"""What each finding means and what to do about it. Holes are filled by words.py.

Keys are "check.code", or "*.code" for what several checks find. The second sentence is the fix,
"" where there is nothing to do.
"""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from platforms.spec import Text

NAMES: dict[str, Text] = {
    "key_format": _("Form of the keys"),
    "dns": _("Host names"),
    "connection": _("Connection"),
    "tls": _("Encryption"),
    "proxy": _("Proxy"),
    "clock": _("Clock"),
    "credentials": _("Keys accepted"),
    "application": _("Application"),
    "right_shop": _("Right shop"),
    "scopes": _("Permissions"),
    "orders": _("Reading orders"),
    "outgoing_address": _("Our network address"),
    "key_expiry": _("Until when the permission lasts"),
    "token_state": _("Tokens"),
    "rate_limit": _("Limits of the platform"),
    "callback": _("Address to come back to"),
    "webhook": _("News pushed to us"),
    "outage": _("Disturbance of the platform"),
}

_HOSTING = _("This is for whoever runs this installation.")
_CHECK_AGAIN = _("Check again in a few minutes. Nothing is lost; orders are fetched later.")
_OPERATOR_CHAIN = _(
    "Configure the web server with the full chain of certificates (often called fullchain.pem),"
    " not with the server's own certificate alone. Browsers hide this mistake, marketplaces do not."
)
_OPERATOR_CERTIFICATE = _(
    "Install a certificate of a well-known authority on the web server, and see to it that it is"
    " renewed by itself."
)
_COPY_AGAIN = _("Copy it again, whole, from the page that is named below the field.")
_RELINK = _("Link the store again: press “Relink”. Its orders and its history stay.")

SAYINGS: dict[str, tuple[Text, Text]] = {
    # --- of several checks
    "*.needs": (_("Not tried, because this did not go well before: %(of)s."), ""),
    "*.no_time": (
        _("%(platform)s did not answer within the time that we wait here."),
        _CHECK_AGAIN,
    ),
    "*.own_limit": (
        _("Not asked: by our own reckoning it is not our turn for another %(wait)s."),
        _("Check again then. We hold back on purpose, so that %(platform)s goes on answering us."),
    ),
    "*.unopenable": (
        _("What is stored of the keys cannot be opened with the keys of this installation."),
        _("Write to support with the support bundle below. Do not link anything anew yet."),
    ),
    "*.not_linked": (_("The store is not linked."), ""),
    # --- keys
    "key_format.": (_("The keys look as they should."), ""),
    "key_format.no_keys": (_("There is nothing to type here: you agree at %(platform)s."), ""),
    "key_format.not_typed": (_("Nothing is typed yet."), ""),
    "key_format.unclean": (
        _("Blanks, full-width or invisible characters were pasted along: %(fields)s."),
        _("You need do nothing: we take them out by ourselves."),
    ),
    "key_format.unusual": (
        _("These values may be right, but do not look as they usually do: %(fields)s."),
        _("If %(platform)s refuses them, copy them again, whole."),
    ),
    "key_format.stored_unusual": (
        _("The stored values do not look as they usually do: %(fields)s."),
        _("This matters only if %(platform)s refuses them, see below."),
    ),
    "key_format.blank": (_("Not filled in: %(fields)s."), _("Fill it in, then check again.")),
    "key_format.environment": (
        _("These are keys of the test environment of %(platform)s; they open no real shop."),
        _("Use the keys of the live environment. If you typed none, write to support."),
    ),
    "key_format.swapped": (
        _("Two values have changed places: in “%(field)s” stands what looks like “%(other)s”."),
        _("Put each value into its own field."),
    ),
    "key_format.explained": ("%(told)s", _COPY_AGAIN),
    "key_format.wrong_form": (_("This cannot be right: %(fields)s."), _COPY_AGAIN),
    # --- network
    "dns.": (_("All host names of %(platform)s were found."), ""),
    "dns.not_found": (
        _("The host name %(host)s was not found."),
        _("The name service of this server does not answer, or not for this name. %(hosting)s"),
    ),
    "dns.timeout": (
        _("The name service did not answer in time for %(host)s."),
        _("The name service of this server does not answer, or not for this name. %(hosting)s"),
    ),
    "dns.no_hosts": (_("No address can be looked at yet: something is to be typed first."), ""),
    "connection.": (_("%(platform)s can be reached from here."), ""),
    "connection.refused": (
        _("%(host)s refuses the connection."),
        _("The platform is disturbed, or something between it and this server. %(check_again)s"),
    ),
    "connection.timeout": (
        _("No connection to %(host)s came about in time."),
        _("A firewall may stand in between, or the platform is disturbed. %(check_again)s"),
    ),
    "connection.unreachable": (
        _("No way leads to %(host)s from here."),
        _("This server may have lost its connection to the internet. %(hosting)s"),
    ),
    "connection.no_hosts": (_("No address can be looked at yet."), ""),
    "tls.": (_("The connection is encrypted and the certificate is right."), ""),
    "tls.plain_http": (_("The address is one without encryption, as in a demo."), ""),
    "tls.ends_soon": (_("A certificate of %(platform)s ends in %(length)s."), ""),
    "tls.expired": (
        _("The certificate of %(host)s has expired."),
        _("Either %(platform)s forgot to renew it, or the clock of this server is wrong."),
    ),
    "tls.not_yet_valid": (
        _("The certificate of %(host)s is not valid yet."),
        _("The clock of this server is probably wrong. %(hosting)s"),
    ),
    "tls.other_name": (
        _("The certificate shown by %(host)s is for another name."),
        _("Something between this server and %(platform)s takes the connections. %(hosting)s"),
    ),
    "tls.self_signed": (
        _("%(host)s shows a certificate that nobody vouches for."),
        _("Something between this server and %(platform)s takes the connections. %(hosting)s"),
    ),
    "tls.chain_incomplete": (
        _("The certificate of %(host)s comes without those that vouch for it."),
        _("Something between this server and %(platform)s takes the connections. %(hosting)s"),
    ),
    "tls.unknown_issuer": (
        _("The certificate of %(host)s is from an authority that nobody knows: %(issuer)s."),
        _("Something between this server and %(platform)s takes the connections. %(hosting)s"),
    ),
    "tls.handshake": (
        _("No encrypted connection to %(host)s came about."),
        _("The platform is disturbed, or something between it and this server. %(check_again)s"),
    ),
    "tls.timeout": (
        _("No encrypted connection to %(host)s came about in time."),
        _("The platform is disturbed, or something between it and this server. %(check_again)s"),
    ),
    "proxy.none": (_("No proxy is set; we connect directly."), ""),
    "proxy.ignored": (
        _("A proxy is set in the environment (%(variables)s), but we always connect directly."),
        _("If this network lets nothing out but through the proxy, open the way. %(hosting)s"),
    ),
    "clock.right": (_("Our clock and that of %(platform)s agree: %(off)s."), ""),
    "clock.off": (
        _("Our clock differs from that of %(platform)s: %(off)s."),
        _("Up to %(limit)s are allowed. The clock should be set. %(hosting)s"),
    ),
    "clock.beyond": (
        _("Our clock is wrong: %(off)s against %(platform)s, and %(limit)s are allowed."),
        _("You did nothing wrong and need do nothing. The clock has to be set. %(hosting)s"),
    ),
    "clock.not_told": (_("%(platform)s did not tell its time."), ""),
    # --- what the platform says
    "credentials.accepted": (_("%(platform)s accepts our permission: %(account)s."), ""),
    "application.ours": (_("Our application at %(platform)s is ready."), ""),
    "application.accepted": (_("%(platform)s accepts your application."), ""),
    "application.none": (
        _("Linking %(platform)s in this way is not set up here yet."),
        _("It needs an application of ours. Write to support, or choose another way of linking."),
    ),
    "application.no_application": (_("None is needed for this way of linking."), ""),
    "application.not_entered": (_("Your application is not entered yet."), ""),
    "application.cannot_be_tried": (
        _("%(platform)s lets nobody try an application before you agree."),
        "",
    ),
    "right_shop.same": (_("It is the right shop: %(expected)s."), ""),
    "right_shop.other_shop": (
        _("The permission opens another shop (%(shops)s) than the linked one: %(expected)s."),
        _("Link the store again with the account of the right shop. The other shop is untouched."),
    ),
    "right_shop.shop_gone": (
        _("The account is right, but %(platform)s no longer names this shop: %(expected)s."),
        _("Look at %(platform)s whether the shop is open for selling, then check again."),
    ),
    "scopes.all": (_("Every permission that we need is there."), ""),
    "scopes.not_told": (_("Nothing that we need is refused; the list is not told."), ""),
    "scopes.missing": (
        _("Missing: %(missing)s."),
        _("Authorize once more and accept every point; of a key, make one with these rights."),
    ),
    "orders.read": (_("Orders can be read."), ""),
    "orders.spared": (_("Not tried: the few calls that are left belong to the next pull."), ""),
    "outgoing_address.known": (_("We come from: %(addresses)s."), ""),
    "outgoing_address.not_told": (
        _("Nobody entered here which address we come from (OUTGOING_ADDRESSES)."),
        "",
    ),
    "outage.none": (_("No disturbance of %(platform)s is known."), ""),
    "outage.elsewhere": (
        _("Since %(since)s many stores at %(platform)s fail (%(what)s); this one works."),
        "",
    ),
    "outage.open": (
        _("Since %(since)s many stores at %(platform)s fail the same way (%(what)s)."),
        _("It is not you, and there is nothing to do. We keep trying and miss no order."),
    ),
    # --- what we know ourselves
    "key_expiry.later": (_("%(thing)s ends on %(day)s, in %(length)s."), ""),
    "key_expiry.soon": (
        _("%(thing)s ends on %(day)s, in %(length)s."),
        _("Renew it before that day, so that no order is late."),
    ),
    "key_expiry.past_but_works": (
        _("%(thing)s should have ended on %(day)s, but still works."),
        _("Renew it soon."),
    ),
    "key_expiry.past": (_("%(thing)s ended on %(day)s."), _RELINK),
    "key_expiry.over": (_("The permission has ended before its time."), ""),
    "key_expiry.not_told": (_("%(platform)s does not tell of an end."), ""),
    "token_state.fresh": (_("The access token is good until %(access)s and renewed before."), ""),
    "token_state.lasting": (_("The key has no token that must be renewed."), ""),
    "token_state.needs_relink": (_("Waits to be linked again: %(what)s."), _RELINK),
    "token_state.refresh_over": (_("The refresh token ended on %(refresh)s."), _RELINK),
    "token_state.in_flight": (
        _("A renewal began at %(in_flight)s and its answer was not written down."),
        _("We try it once more by ourselves."),
    ),
    "token_state.not_refreshed": (
        _("Renewing the token fails: %(what)s. Tries so far: %(failures)s."),
        _("We go on trying by ourselves; the permission itself is untouched."),
    ),
    "token_state.access_over": (
        _("The access token ended at %(access)s and is renewed with the next call."),
        "",
    ),
    "token_state.not_active": (_("The permission is not in use."), ""),
    "rate_limit.room": (
        _("There is room. Calls for orders that could be made at once: %(left)s."),
        "",
    ),
    "rate_limit.no_limit": (_("%(platform)s states no limit."), ""),
    "rate_limit.tight": (
        _("Slowed down by %(platform)s: %(throttled)s of the last %(calls)s calls."),
        _("Nothing is lost: orders arrive, only later. Other programs may share the limit."),
    ),
    "rate_limit.full": (
        _("All calls that we may make now are used; there is room again at %(until)s."),
        "",
    ),
    "rate_limit.held": (
        _("%(platform)s lets us call again at %(until)s."),
        _("We go on by ourselves then. Other programs with the same keys use the limit up, too."),
    ),
    "rate_limit.refused": (
        _("%(platform)s asks us to slow down right now."),
        _("We go on by ourselves. Other programs with the same keys use the limit up, too."),
    ),
    # --- our own addresses
    "callback.good": (_("Sellers find the way back to us; the certificate is right."), ""),
    "callback.not_tried": (_("Not looked at."), ""),
    "callback.local": (
        _("Our address is one of this machine only: %(address)s."),
        _("Real marketplaces need an address with https that the internet can reach. %(hosting)s"),
    ),
    "callback.no_https": (
        _("Our address has no https: %(address)s."),
        _("Marketplaces send nobody back to it. Set up https and BASE_URL. %(hosting)s"),
    ),
    "callback.dns": (
        _("The name of our own address was not found: %(address)s."),
        _("Check BASE_URL and the name service. %(hosting)s"),
    ),
    "callback.other_redirect": (
        _("The application has another address to come back to than ours: %(registered)s."),
        _("Enter exactly this one, there and at %(platform)s: %(address)s."),
    ),
    "callback.not_reached": (
        _("We do not reach our own address from here; that may be so on purpose."),
        _("Open it from outside once, in a browser on another network: %(address)s."),
    ),
    "callback.ends_soon": (
        _("The certificate of our own address ends in %(length)s."),
        _("Renew it, or see why that did not happen by itself. %(hosting)s"),
    ),
    "callback.expired": (
        _("The certificate of our own address has expired."),
        _OPERATOR_CERTIFICATE,
    ),
    "callback.not_yet_valid": (
        _("The certificate of our own address is not valid yet."),
        _OPERATOR_CERTIFICATE,
    ),
    "callback.other_name": (
        _("The certificate of our own address is for other names: %(names)s."),
        _OPERATOR_CERTIFICATE,
    ),
    "callback.self_signed": (
        _("The certificate of our own address is one that nobody vouches for (self-signed)."),
        _OPERATOR_CERTIFICATE,
    ),
    "callback.chain_incomplete": (
        _("Our web server does not send the intermediate certificate."),
        _OPERATOR_CHAIN,
    ),
    "callback.unknown_issuer": (
        _("The certificate of our own address is from an authority that nobody knows: %(issuer)s."),
        _OPERATOR_CERTIFICATE,
    ),
    "callback.handshake": (
        _("No encrypted connection to our own address comes about."),
        _("Look at how https is set up on the web server. %(hosting)s"),
    ),
    "callback.timeout": (
        _("No encrypted connection to our own address comes about in time."),
        _("Look at how https is set up on the web server. %(hosting)s"),
    ),
    "webhook.not_offered": (_("%(platform)s pushes nothing for this way of linking; we ask."), ""),
    "webhook.fast": (_("Pushes reach us; we answer in %(ms)s ms. Last one: %(last)s."), ""),
    "webhook.comes": (_("Pushes reach us; the last one came %(last)s."), ""),
    "webhook.slow": (
        _("We answer pushes in %(ms)s ms. That works, but is slow."),
        _("Give the web server more room. %(hosting)s"),
    ),
    "webhook.too_slow": (
        _("We answer pushes in %(ms)s ms; marketplaces wait 5 seconds."),
        _("Orders are still fetched every few minutes. Give the web server more room. %(hosting)s"),
    ),
    "webhook.not_genuine": (
        _("Pushes reach us, but %(refused)s of the last day bore a wrong signature."),
        _("Somebody else may try the address, or the application's secret changed."),
    ),
    "webhook.other_answer": (
        _("Something in front of us answers pushes (status %(status)s)."),
        _("A proxy or firewall must let the addresses below /push/ through. %(hosting)s"),
    ),
    "webhook.unreachable": (
        _("Pushes cannot reach us: see the address to come back to."),
        _("Orders are still fetched every few minutes."),
    ),
    "webhook.not_reached": (
        _("No push has come yet, and we do not reach our own address from here."),
        _("Orders are still fetched every few minutes."),
    ),
    "webhook.local": (
        _("No push has come yet; the address is one of this machine only."),
        _("Orders are still fetched every few minutes."),
    ),
    "webhook.refused": (
        _("%(platform)s refused to push news to us."),
        _("Orders are still fetched every few minutes; nothing is missing."),
    ),
    "webhook.not_registered": (
        _("%(platform)s could not be told to push news to us yet."),
        _("We try again by ourselves; orders are fetched every few minutes meanwhile."),
    ),
}  # fmt: skip
HOSTING, CHECK_AGAIN = _HOSTING, _CHECK_AGAIN
