/** Some servers say by empty text that there is no more. */
export const nextPage = (token: string | undefined): { readonly next?: string } =>
  token === undefined || token === "" ? {} : { next: token };
