/** The version of @cq, which all its packages share: that of package.json, which pages cannot read. */
export const version = '0.0.0';
