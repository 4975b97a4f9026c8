/** The name of Metricast's own data source, beside whatever data sources a host has. */
export const DATA_SOURCE = 'metricast';
