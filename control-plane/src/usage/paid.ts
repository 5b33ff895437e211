/**
 * Billing of calls that are paid one by one. What falls under a flat plan costs nothing more, so its list price is
 * no money; where nobody said how a call is billed it is taken as paid.
 */
export const paidBilling = ["metered", "byok", "unknown"] as const;
