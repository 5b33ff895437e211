/** A primitive that only its parser can make: `Subject` is a string, but not every string is a `Subject`. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };

declare const brand: unique symbol;
