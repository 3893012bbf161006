/** Header that says which of a client's content stores a call means. */
export const storeIdKey = "buildkit-attachable-store-id";
