"""The GraphQL documents we send: just the fields that are read, none of them deprecated."""

from __future__ import annotations

IDENTITY = """query ShopIdentity {
  shop { id name myshopifyDomain currencyCode ianaTimezone }
  currentAppInstallation { accessScopes { handle } }
}"""

_MONEY = "fragment Money on MoneyBag { shopMoney { amount currencyCode } }"
_ADDRESS = """fragment Address on MailingAddress {
  name company address1 address2 city province provinceCode zip countryCodeV2 phone
}"""
_LINE = """fragment Line on LineItem {
  id sku name title quantity currentQuantity unfulfilledQuantity
  originalUnitPriceSet { ...Money } discountedTotalSet { ...Money }
}"""

_ORDER = f"""fragment Whole on Order {{
  id legacyResourceId name test createdAt updatedAt cancelledAt
  displayFinancialStatus displayFulfillmentStatus email phone
  totalPriceSet {{ ...Money }} subtotalPriceSet {{ ...Money }}
  totalShippingPriceSet {{ ...Money }} totalTaxSet {{ ...Money }}
  totalDiscountsSet {{ ...Money }}
  shippingAddress {{ ...Address }} billingAddress {{ ...Address }}
  fulfillments(first: 20) {{ status displayStatus }}
  lineItems(first: $lines) {{
    pageInfo {{ hasNextPage endCursor }}
    nodes {{ ...Line }}
  }}
}}
{_MONEY}
{_ADDRESS}
{_LINE}"""

ORDERS = f"""query OrdersPage($first: Int!, $lines: Int!, $after: String, $query: String) {{
  orders(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) {{
    pageInfo {{ hasNextPage endCursor }}
    nodes {{ ...Whole }}
  }}
}}
{_ORDER}"""

ORDER = f"""query OneOrder($id: ID!, $lines: Int!) {{
  order(id: $id) {{ ...Whole }}
}}
{_ORDER}"""

LINES = f"""query OrderLines($id: ID!, $after: String) {{
  order(id: $id) {{
    lineItems(first: 100, after: $after) {{
      pageInfo {{ hasNextPage endCursor }}
      nodes {{ ...Line }}
    }}
  }}
}}
{_MONEY}
{_LINE}"""

HOOKS = """query Hooks($after: String) {
  webhookSubscriptions(first: 100, after: $after) {
    pageInfo { hasNextPage endCursor }
    nodes { id topic uri }
  }
}"""

HOOK_CREATE = """mutation HookCreate(
  $topic: WebhookSubscriptionTopic!, $sub: WebhookSubscriptionInput!
) {
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: $sub) {
    webhookSubscription { id }
    userErrors { message }
  }
}"""

HOOK_DELETE = """mutation HookDelete($id: ID!) {
  webhookSubscriptionDelete(id: $id) { deletedWebhookSubscriptionId userErrors { message } }
}"""

ALL = (IDENTITY, ORDERS, ORDER, LINES, HOOKS, HOOK_CREATE, HOOK_DELETE)
