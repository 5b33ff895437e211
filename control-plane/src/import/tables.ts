export interface ImportTables {
  /** Bills that came as a file. */
  billing_imports: {
    org_id: string;
    import_id: string;
    /** The row of `usage_providers` that the lines belong to. */
    provider_id: string;
    /** Whose bill it is: a `UsageProviderKind`. */
    kind: string;
    file_name: string;
    /** SHA-256 of the file, hexadecimal. */
    file_hash: string;
    /** What kind of file it was taken for. */
    profile: string;
    lines: bigint;
    from_day: string;
    until_day: string;
    amount_nano_usd: bigint;
    imported_by: string;
    imported_at: number;
    /** When it was taken back. */
    reverted_at: number | null;
  };
}
